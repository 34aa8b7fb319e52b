import { useEffect, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import type { Person } from '../sync/presence.ts'

/** Who is here: everybody once, however many tabs they have open. */
export function usePeople ({ presence }: OpenDocument): Person[] {
  const [people, setPeople] = useState<Person[]>([])

  useEffect(() => {
    const look = () => {
      const self = (presence.getLocalState() as { user?: Person } | null)?.user
      const others = new Map<string, Person>()
      for (const state of presence.getStates().values()) {
        const { user } = state as { user?: Person }
        if (user?.name !== undefined && user.memberId !== self?.memberId) others.set(user.memberId, user)
      }
      setPeople([...self === undefined ? [] : [self], ...others.values()])
    }
    look()
    presence.on('change', look)
    return () => presence.off('change', look)
  }, [presence])

  return people
}
