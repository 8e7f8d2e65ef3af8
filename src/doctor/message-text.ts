/** The message of a check: what was found, and if it helps, what to do. */
export interface Text {
  says: string
  fix?: string
}
