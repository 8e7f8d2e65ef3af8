/** What goes back over HTTP, before the faults have their turn. */
export interface Answer {
  status: number
  contentType: string
  body: Buffer
}
