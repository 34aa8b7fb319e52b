import { colorNumber } from '../sync/colors.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { count, initials } from '../ui/words.ts'
import { usePeople } from './usePeople.ts'

const most = 4

export function People ({ open }: { open: OpenDocument }) {
  const people = usePeople(open)
  const shown = people.length > most ? people.slice(0, most - 1) : people
  const more = people.length - shown.length

  return (
    <>
      <ul className='people' aria-label='People here now'>
        {shown.map(({ name, memberId, color }, index) => (
          <li key={memberId} className={`avatar person-${colorNumber(color)}`} title={index === 0 ? `${name} (you)` : name}>
            <span aria-hidden='true'>{initials(name)}</span>
            <span className='visually-hidden'>{index === 0 ? `${name} (you)` : name}</span>
          </li>
        ))}
        {more > 0 && <li className='avatar more' title={people.slice(most - 1).map(({ name }) => name).join(', ')}>+{more}</li>}
      </ul>
      <span className='visually-hidden' role='status'>
        {people.length > 1 ? `${count(people.length - 1, 'other person', 'other people')} here` : ''}
      </span>
    </>
  )
}
