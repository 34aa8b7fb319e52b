/** A link to be selected and copied by hand: there is no clipboard over plain HTTP. */
export function LinkField ({ label, link }: { label: string, link: string }) {
  return <input className='field link-field' readOnly value={link} aria-label={label} onFocus={(event) => event.target.select()} />
}
