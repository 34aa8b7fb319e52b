import { useState } from 'react'
import { documentPath, request } from '../api.ts'
import { invitationLink } from '../route.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { CopyButton } from '../ui/CopyButton.tsx'
import { LinkField } from './LinkField.tsx'
import { texts } from '../words/index.ts'

type Offer = 'editor' | 'viewer'
const offers: Offer[] = ['editor', 'viewer']

/** Makes an invitation and shows the link for it. The server knows the invitation, and not the key that the link ends with. */
export function InviteForm ({ open }: { open: OpenDocument }) {
  const [role, setRole] = useState<Offer>('editor')
  const [links, setLinks] = useState<Partial<Record<Offer, string>>>({})

  const prepare = async (): Promise<string> => {
    const made = links[role]
    if (made !== undefined) return made
    const path = documentPath(open.id, 'invitations')
    const { token } = await withSession(({ sessionKey }) => request<{ token: string }>('POST', path, sessionKey, { role }))
    const link = invitationLink(token, open.keyring.newest.get())
    setLinks({ ...links, [role]: link })
    return link
  }

  return (
    <section>
      <h3>{texts().share.inviteByLink}</h3>
      <div className='invite'>
        <div className='choice' role='radiogroup' aria-label={texts().share.invitedMay}>
          {offers.map((value) => (
            <label key={value}>
              <input type='radio' name='role' value={value} checked={role === value} onChange={() => setRole(value)} />
              <span>{texts().roles[value]}</span>
            </label>
          ))}
        </div>
        <CopyButton label={texts().share.copyInvitation} primary prepare={prepare} />
      </div>
      {links[role] !== undefined && <LinkField label={texts().share.invitationLink} link={links[role]} />}
      <p className='field-note'>{texts().share.inviteNote}</p>
    </section>
  )
}
