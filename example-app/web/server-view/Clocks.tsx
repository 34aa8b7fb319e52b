import { authorsOf, type Stored } from './stored.ts'

/** Each author's updates are counted without a gap, so nobody can leave one out unnoticed. */
export function Clocks ({ stored }: { stored: Stored }) {
  const authors = authorsOf(stored)
  const clockOf = (author: string) => Math.max(...stored.updates.filter(({ pubKey }) => pubKey === author).map(({ clock }) => clock))

  return (
    <section>
      <h3>Clocks</h3>
      <p>The server knows authors by a key that each page makes for itself, and counts what each has sent since the last snapshot.</p>
      {authors.length === 0
        ? <p className='server-note'>No updates since the last snapshot.</p>
        : (
          <table className='clocks'>
            <thead><tr><th scope='col'>Author’s public key</th><th scope='col'>Clock</th></tr></thead>
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
