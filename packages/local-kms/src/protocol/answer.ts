/** An HTTP answer, before faults are applied. */
export interface Answer {
  status: number
  contentType: string
  headers?: Readonly<Record<string, string>>
  body: Buffer
}
