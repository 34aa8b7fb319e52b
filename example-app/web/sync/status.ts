/** Where a document stands, in the order in which a person would ask. */
export type Phase =
  /** On the way to the server, for the first time or again. */
  | 'connecting'
  /** Everybody sees every change at once. */
  | 'live'
  /** There is no network, or no server at the other end. */
  | 'offline'
  /** The server answers, but cannot serve. */
  | 'trouble'
  /** The server says no. */
  | 'no-access'
  /** Encrypted with a key that this device does not have. */
  | 'no-key'

export interface Status {
  phase: Phase
  /** This person had access before. */
  removed?: boolean
}

export function describe ({ phase, removed = false }: Status, unsent: number, saved: boolean): { label: string, detail: string } {
  const waiting = unsent === 0 ? 'Nothing waits to be sent.' : `${changes(unsent)} will be sent when the connection is back.`
  switch (phase) {
    case 'connecting': return { label: 'Connecting…', detail: unsent === 0 ? 'On the way to the server.' : waiting }
    case 'live': return { label: 'Live', detail: saved ? 'All changes are saved.' : 'Saving…' }
    case 'offline': return {
      label: unsent === 0 ? 'Offline' : `Offline · ${unsent} unsent`,
      detail: `You can go on writing. ${waiting}`
    }
    case 'trouble': return {
      label: unsent === 0 ? 'Server trouble' : `Server trouble · ${unsent} unsent`,
      detail: `The server answers, but cannot work at the moment. Your text is kept on this device. ${waiting}`
    }
    case 'no-access': return {
      label: 'No access',
      detail: removed ? 'Your access to this document was taken back.' : 'This document is not shared with you.'
    }
    case 'no-key': return { label: 'Key missing', detail: 'The document was encrypted with a new key that this device does not have.' }
  }
}

export function changes (count: number): string {
  return count === 1 ? '1 change' : `${count} changes`
}
