import { useEffect, useRef } from 'react'
import { Icon } from '../ui/Icon.tsx'
import { authorsOf, type Stored, type StoredSnapshot } from './stored.ts'
import { size } from '../words/format.ts'
import { texts } from '../words/index.ts'

/** Every snapshot names its parent and proves it, so the server can neither exchange nor reorder one. Updates gather on the last. */
export function Chain ({ stored }: { stored: Stored }) {
  const { snapshots, updates, totals } = stored
  const authors = authorsOf(stored)
  const list = useRef<HTMLOListElement>(null)
  const keys = [...new Set(snapshots.map(({ publicData }) => publicData.keyId ?? ''))]

  useEffect(() => { list.current?.scrollTo({ left: list.current.scrollWidth }) }, [snapshots.length, updates.length])

  return (
    <section>
      <h3>{texts().server.chain}</h3>
      <p>
        {texts().server.chainNote}
        {keys.length > 1 && ` ${texts().server.keyChanged}`}
      </p>
      <ol className='chain' ref={list} tabIndex={0} aria-label={texts().server.chainName}>
        {snapshots.map((snapshot, index) => (
          <Block
            key={snapshot.snapshotId} snapshot={snapshot}
            number={totals.snapshots - snapshots.length + index + 1}
            keyNumber={keys.indexOf(snapshot.publicData.keyId ?? '') + 1}
            active={index === snapshots.length - 1}
          />
        ))}
        <li className='beads' aria-label={texts().server.updates(updates.length)}>
          {updates.map(({ pubKey, clock }) => <span key={`${pubKey} ${clock}`} className={`bead person-${authors.indexOf(pubKey) % 8}`} />)}
        </li>
      </ol>
    </section>
  )
}

function Block ({ snapshot: { snapshotId, bytes, publicData }, number, keyNumber, active }: {
  snapshot: StoredSnapshot
  number: number
  keyNumber: number
  active: boolean
}) {
  return (
    <li className={`block ${active ? 'active' : ''}`}>
      <strong>{number}</strong>
      <span>{size(bytes)}</span>
      <code title={texts().server.snapshot(snapshotId)}>{snapshotId.slice(0, 6)}</code>
      <span className={`key-mark key-${keyNumber % 4}`} title={texts().server.withKey(publicData.keyId ?? '')}>
        <Icon name='key' />{keyNumber}
      </span>
    </li>
  )
}
