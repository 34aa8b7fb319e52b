import { useEffect, useState } from 'react'
import type { OpenDocument } from '../sync/open-document.ts'
import { personIn, statesOf, type Person } from '../sync/presence.ts'

/** Who is here: everybody once, however many tabs they have open. */
export function usePeople ({ presence }: OpenDocument): Person[] {
  const [people, setPeople] = useState<Person[]>([])

  useEffect(() => {
    const look = () => {
      const states = statesOf(presence)
      const self = personIn(states.get(presence.clientID))
      const others = new Map<string, Person>()
      for (const state of states.values()) {
        const person = personIn(state)
        if (person !== undefined && person.memberId !== self?.memberId) others.set(person.memberId, person)
      }
      setPeople([...self === undefined ? [] : [self], ...others.values()])
    }
    look()
    presence.on('change', look)
    return () => presence.off('change', look)
  }, [presence])

  return people
}
