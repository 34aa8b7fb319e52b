import type { PrismaClient } from './prisma-client/client.ts'

/** What the app knows of a document that was deleted: nobody is a member any more, and its files are gone. Returns the ids of those who were. */
export async function endMemberships (prisma: PrismaClient, documentId: string): Promise<string[]> {
  const [, members] = await prisma.$transaction([
    prisma.appInvitation.deleteMany({ where: { documentId } }),
    prisma.appMembership.updateManyAndReturn({ where: { documentId }, data: { role: 'removed' }, select: { memberId: true } }),
    // After the memberships: an upload that has seen one is committed before they change.
    prisma.appFile.deleteMany({ where: { documentId } })
  ])
  return members.map(({ memberId }) => memberId)
}
