/** The text of a check: what is the case, and where it helps, what to do. */
export interface Text {
  says: string
  fix?: string
}
