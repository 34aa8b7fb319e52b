import { useCallback, useSyncExternalStore } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { observeTitle, titleOf } from '../sync/title.ts'

export function useTitle ({ doc }: OpenDocument): string {
  const subscribe = useCallback((listener: () => void) => observeTitle(doc, listener), [doc])
  return useSyncExternalStore(subscribe, () => titleOf(doc))
}
