/** Words beside the text about what somebody has just done. */
export interface EditorNote {
  text: string
  isBad?: boolean
}

export type SayNote = (note: EditorNote | undefined) => void
