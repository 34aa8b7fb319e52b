import { randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { maxMembers, onlyOwner, type Role } from '../access.ts'
import { SessionUnknown } from '../sessions.ts'
import { DocumentParams, GivenRole, InvitationParams, MemberParams, RoleSchema } from './schemas.ts'

const InvitationEnded = createError('APP_INVITATION_ENDED', 'This invitation has ended', 404)
const TooManyMembers = createError('APP_TOO_MANY_MEMBERS', `This document has ${maxMembers} members already`, 409)
const NoSuchMember = createError('APP_NO_SUCH_MEMBER', 'There is no such member whose role could be changed', 404)

/** How an owner lets others in, and out. */
const members: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/documents/:id/invitations', {
    preHandler: onlyOwner,
    schema: {
      params: DocumentParams,
      body: Type.Object({ role: GivenRole }),
      response: { 200: Type.Object({ token: Type.String() }) }
    }
  }, async ({ params: { id }, body: { role } }) => {
    const token = randomBytes(24).toString('base64url')
    await app.db.query('INSERT INTO app_invitation (token, document_id, role) VALUES ($1, $2, $3)', [token, id, role])
    return { token }
  })

  app.post('/invitations/:token', {
    schema: { params: InvitationParams, response: { 200: Type.Object({ documentId: Type.String(), role: RoleSchema }) } }
  }, async ({ params: { token }, member }) => {
    if (member === null) throw new SessionUnknown()
    // Whoever is a member already keeps their role: only the owner changes it, and a removed member stays removed.
    const { rows: [membership] } = await app.db.query<{ documentId: string, role: Role | 'removed' }>(
      `WITH accepted AS (
         INSERT INTO app_membership (document_id, member_id, role, invitation)
         SELECT document_id, $2, role, token FROM app_invitation WHERE token = $1
           AND (SELECT count(*) FROM app_membership WHERE document_id = app_invitation.document_id AND role <> 'removed') < ${maxMembers}
         ON CONFLICT DO NOTHING RETURNING document_id, role
       )
       SELECT document_id AS "documentId", role FROM accepted
       UNION ALL
       SELECT document_id, app_membership.role FROM app_invitation JOIN app_membership USING (document_id) WHERE token = $1 AND member_id = $2`,
      [token, member.id])
    if (membership === undefined) {
      const { rowCount } = await app.db.query('SELECT FROM app_invitation WHERE token = $1', [token])
      throw rowCount === 0 ? new InvitationEnded() : new TooManyMembers()
    }
    if (membership.role === 'removed') throw new InvitationEnded()
    app.members.forget(member.id, membership.documentId)
    return { documentId: membership.documentId, role: membership.role }
  })

  app.patch('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, body: Type.Object({ role: GivenRole }), response: { 200: Type.Object({ role: GivenRole }) } }
  }, async ({ params: { id, memberId }, body: { role } }) => {
    const { rowCount } = await app.db.query(
      `UPDATE app_membership SET role = $3
       WHERE document_id = $1 AND member_id = $2 AND role IN ('editor', 'viewer')`, [id, memberId, role])
    if (rowCount === 0) throw new NoSuchMember()
    app.members.forget(memberId, id)
    return { role }
  })

  /** For good, and with the invitation they came with, which others might still have from them. */
  app.delete('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, memberId } }, reply) => {
    const { rows: [removed] } = await app.db.query<{ sessionKey: string }>(
      `WITH removed AS (
         UPDATE app_membership SET role = 'removed'
         WHERE document_id = $1 AND member_id = $2 AND role IN ('editor', 'viewer') RETURNING member_id, invitation
       ), ended AS (
         DELETE FROM app_invitation WHERE token IN (SELECT invitation FROM removed)
       )
       UPDATE app_document SET refused_snapshot_id = (SELECT active_snapshot_id FROM secsync_document WHERE id = $1)
       FROM removed JOIN app_session USING (member_id) WHERE id = $1
       RETURNING session_key AS "sessionKey"`, [id, memberId])
    if (removed === undefined) throw new NoSuchMember()
    app.members.forget(memberId, id)
    app.refusedSnapshots.forget(id)
    app.secsync.disconnect({ documentId: id, websocketSessionKey: removed.sessionKey })
    return await reply.code(204).send(null)
  })
}

export default members
