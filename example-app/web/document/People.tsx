import { colorNumber } from '../sync/colors.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { usePeople } from './usePeople.ts'
import { list } from '../words/format.ts'
import { initials } from '../ui/initials.ts'
import { texts } from '../words/index.ts'

const most = 4

export function People ({ open }: { open: OpenDocument }) {
  const people = usePeople(open)
  const shown = people.length > most ? people.slice(0, most - 1) : people
  const more = people.length - shown.length

  return (
    <>
      <ul className='people' aria-label={texts().document.peopleHere}>
        {shown.map(({ name, memberId, color }, index) => (
          <li key={memberId} className={`avatar person-${colorNumber(color)}`} title={index === 0 ? texts().you(name) : name}>
            <span aria-hidden='true'>{initials(name)}</span>
            <span className='visually-hidden'>{index === 0 ? texts().you(name) : name}</span>
          </li>
        ))}
        {more > 0 && <li className='avatar more' title={list(people.slice(most - 1).map(({ name }) => name))}>+{more}</li>}
      </ul>
      <span className='visually-hidden' role='status'>
        {people.length > 1 ? texts().document.othersHere(people.length - 1) : ''}
      </span>
    </>
  )
}
