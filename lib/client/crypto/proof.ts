import type { Snapshot } from '../../protocol/messages.ts'
import type { SnapshotProofChainEntry } from '../../protocol/proof.ts'
import type { Work } from './work.ts'

/** What a client keeps of a snapshot to check its descendants. */
export declare function proofEntryOf (snapshot: Snapshot): Work<SnapshotProofChainEntry>
/** The `parentSnapshotProof` of a child of this snapshot; `noParent` (protocol) for the initial one. */
export declare function parentSnapshotProof (parent: SnapshotProofChainEntry): string
/** Whether a snapshot is a child of the one that is known. */
export declare function isChild (snapshot: Snapshot, known: SnapshotProofChainEntry): boolean
/** Whether a snapshot (`current`: its entry) is the known one or the last of a chain that begins at its child. */
export declare function isDescendant (current: SnapshotProofChainEntry, known: SnapshotProofChainEntry, chain: readonly SnapshotProofChainEntry[]): boolean
