import { useEffect } from 'react'
import type { Session } from '../session.ts'
import { useSignal } from '../ui/signal.ts'
import { profileSetting } from './profile.ts'
import type { ProfileSync } from './sync.ts'

/** Keeps the profile of this person, if they have one, while the app is open. */
export function useProfileSync (who: Session | undefined): void {
  const setting = useSignal(profileSetting)
  const device = who !== undefined && setting?.memberId === who.memberId ? setting.device : undefined

  useEffect(() => {
    const kept = profileSetting.get()
    if (who === undefined || kept === undefined || device === undefined) return
    let isOver = false
    let sync: ProfileSync | undefined
    void import('./sync.ts').then(({ ProfileSync }) => ProfileSync.start(who, kept)).then(async (started) => {
      sync = started
      if (isOver) await started.close()
    }).catch(() => {})
    return () => {
      isOver = true
      void sync?.close()
    }
    // A further session of the same person is read when it is needed.
  }, [who?.memberId, device])
}
