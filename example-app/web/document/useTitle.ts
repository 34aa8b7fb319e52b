import { useSyncExternalStore } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'

export function useTitle ({ title }: OpenDocument): string {
  return useSyncExternalStore((listener) => {
    title.observe(listener)
    return () => title.unobserve(listener)
  }, () => title.toString())
}
