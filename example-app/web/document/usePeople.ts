import { useEffect, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { statesOf, type Person } from '../sync/presence.ts'

/** Who is here: everybody once, however many tabs they have open. Oneself is the first. */
export function usePeople (open: OpenDocument): Person[] {
  const [people, setPeople] = useState<Person[]>([])

  useEffect(() => {
    const { presence } = open
    const look = () => {
      const { self } = open
      const others = new Map<string, Person>()
      for (const state of statesOf(presence).values()) {
        const person = open.personOf(state)
        if (person !== undefined && person.memberId !== self.memberId) others.set(person.memberId, person)
      }
      setPeople([self, ...others.values()])
    }
    look()
    presence.on('change', look)
    return () => presence.off('change', look)
  }, [open])

  return people
}
