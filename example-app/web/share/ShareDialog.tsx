import { useDocumentState } from 'fastify-secsync/client/react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { documentPath, request, type Member } from '../api.ts'
import { usePeople } from '../document/usePeople.ts'
import { documentLink } from '../route.ts'
import { session, withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useSignal } from '../ui/signal.ts'
import { Admitted } from './Admitted.tsx'
import { InviteForm } from './InviteForm.tsx'
import { LeaveOrDelete } from './LeaveOrDelete.tsx'
import { LinkField } from './LinkField.tsx'
import { MemberList } from './MemberList.tsx'
import { changeKey, removeMember, type KeyChange } from './removeMember.ts'
import { list } from '../words/format.ts'
import { texts } from '../words/index.ts'

async function refreshAll (open: OpenDocument): Promise<void> {
  await open.refreshMembers()
  // The devices of those who joined since: a new key would be sealed for them, and people compare them.
  await open.refreshKeys()
}

/** Who may open the document, and how others get in. */
export function ShareDialog ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const membership = useSignal(open.members)
  const key = useSignal(open.keyring.newest)
  const people = usePeople(open)
  const self = useSignal(session)
  const isLive = useDocumentState(open.connection).connection.status === 'live'
  const [trouble, setTrouble] = useState('')
  const [removal, setRemoval] = useState<{ name: string } & KeyChange>()
  const [isOwnerKnown, setIsOwnerKnown] = useState(true)
  const [handover, setHandover] = useState<{ name: string, unreached: string[] }>()
  const isOwner = membership?.role === 'owner'
  const owner = membership?.members.find(({ role }) => role === 'owner')
  const link = documentLink(open.id, key)

  const refreshed = useRef(Promise.resolve())
  const refresh = useCallback(async () => {
    await (refreshed.current = refreshAll(open).finally(() => {
      setIsOwnerKnown(open.keyExchange.isOwnedAs(open.members.get()?.members ?? []))
    }))
  }, [open])

  // Somebody came or went: perhaps a new member.
  useEffect(() => { void refresh().catch(() => {}) }, [refresh, people.length])

  const act = async (action: () => Promise<void>) => {
    setTrouble('')
    try {
      await action()
      open.presence.setLocalStateField('membersChangedAt', Date.now())
      await refresh()
    } catch {
      setTrouble(texts().notDone)
    }
  }

  const changeRole = (member: Member, role: 'editor' | 'viewer') => act(async () => {
    await withSession(({ sessionKey }) => request('PATCH', documentPath(open.id, 'members', member.memberId), sessionKey, { role }))
  })

  const remove = (member: Member) => act(async () => {
    // Whoever is in the list gets the new key: their devices have to be seen before.
    await refreshed.current.catch(() => {})
    setRemoval({ name: member.name, ...await removeMember(open, member.memberId) })
  })

  const makeOwner = (member: Member) => act(async () => {
    setHandover({ name: member.name, unreached: await withSession((session) => open.keyExchange.handOver(session, member.memberId)) })
  })

  const tryAgain = (name: string) => act(async () => {
    setRemoval({ name, ...await changeKey(open) })
  })

  return (
    <Dialog title={texts().share.title} onClose={onClose}>
      {!isLive && <p className='field-note' role='status'>{texts().share.needsConnection}</p>}
      {isOwner && isLive && <InviteForm key={`${key} ${removal?.name}`} open={open} />}
      {membership?.access === 'link' && (
        <section>
          <h3>{texts().share.link}</h3>
          <p>{texts().share.openToAll}</p>
          <CopyButton label={texts().share.copyLink} primary prepare={async () => link} />
          <LinkField label={texts().share.link} link={link} />
        </section>
      )}
      {membership?.access === 'invited' && !isOwner && <p>{texts().share.onlyOwner}</p>}
      {membership !== undefined && (
        <MemberList
          members={membership.members} selfId={self?.memberId} isOwner={isOwner}
          here={people.map(({ memberId }) => memberId)} keyExchange={open.keyExchange} onChangeRole={changeRole} onRemove={remove} onMakeOwner={makeOwner}
        />
      )}
      {owner !== undefined && !isOwnerKnown && <p className='trouble' role='alert'>{texts().share.handover.unknown(owner.name)}</p>}
      {handover !== undefined && (
        <div className='done' role='status'>
          <p><strong>{texts().share.handover.isOwner(handover.name)}</strong> {texts().share.handover.youEdit}</p>
          {handover.unreached.length > 0 && <p>{texts().share.handover.unreached(list(handover.unreached))}</p>}
        </div>
      )}
      {isOwner && isLive && <Admitted key={`${membership.members.map(({ memberId }) => memberId).join()} ${removal?.name}`} open={open} />}
      {trouble !== '' && <p className='trouble' role='alert'>{trouble}</p>}
      {removal !== undefined && (
        <div className='done' role='status'>
          {removal.hasNewKey
            ? <p><strong>{texts().share.isOut(removal.name)}</strong> {texts().share.hasNewKey}</p>
            : (
              <>
                <p>
                  <strong>{texts().share.isOut(removal.name)}</strong> {texts().share.hasNoNewKey}
                </p>
                <button type='button' className='button' onClick={() => { void tryAgain(removal.name) }}>{texts().share.makeKey}</button>
              </>
              )}
          {removal.asked.length > 0 && <p>{texts().share.asked(list(removal.asked))}</p>}
          {removal.unreached.length > 0 && <p>{texts().share.unreached(list(removal.unreached))}</p>}
        </div>
      )}
      {isOwner && (
        <p className='field-note'>{texts().share.removalNote}</p>
      )}
      {membership !== undefined && <LeaveOrDelete open={open} isOwner={isOwner} />}
    </Dialog>
  )
}
