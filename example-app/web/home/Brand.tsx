import { texts } from '../words/index.ts'
export function Brand () {
  return (
    <a className='brand' href='#/'>
      <img src='/icon.svg' alt='' width='28' height='28' />
      <span>{texts().appName}</span>
    </a>
  )
}
