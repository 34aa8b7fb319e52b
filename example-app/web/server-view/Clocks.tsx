import { authorsOf, type Stored } from './stored.ts'
import { texts } from '../words/index.ts'

/** Each author's updates are counted without a gap, so nobody can leave one out unnoticed. */
export function Clocks ({ stored }: { stored: Stored }) {
  const authors = authorsOf(stored)
  const clockOf = (author: string) => Math.max(...stored.updates.filter(({ pubKey }) => pubKey === author).map(({ clock }) => clock))

  return (
    <section>
      <h3>{texts().server.clocks}</h3>
      <p>{texts().server.clocksNote}</p>
      {authors.length === 0
        ? <p className='server-note'>{texts().server.noUpdates}</p>
        : (
          <table className='clocks'>
            <thead><tr><th scope='col'>{texts().server.author}</th><th scope='col'>{texts().server.clock}</th></tr></thead>
            <tbody>
              {authors.map((author, index) => (
                <tr key={author}>
                  <td><span className={`bead person-${index % 8}`} aria-hidden='true' /><code>{author.slice(0, 22)}…</code></td>
                  <td>{clockOf(author)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          )}
    </section>
  )
}
