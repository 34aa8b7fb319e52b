import { read, write } from '../device/database.ts'
import { createCommentKeys, type CommentKeys } from './comment.ts'

/** The keys with which this device signs comments, if it has written one. */
export async function commentKeys (): Promise<CommentKeys | undefined> {
  return await read<CommentKeys>('settings', 'comment-keys')
}

/** They are made with the first comment. */
export async function makeCommentKeys (): Promise<CommentKeys> {
  const kept = await commentKeys()
  if (kept !== undefined) return kept
  const keys = createCommentKeys()
  await write('settings', keys, 'comment-keys')
  return keys
}
