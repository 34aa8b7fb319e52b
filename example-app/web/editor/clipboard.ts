import { Plugin } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import { mayLink, setLink } from './link-commands.ts'
import { safeAddress } from './links.ts'

/** Pasted text: an address becomes a link, and Markdown what it stands for. Links open in a new tab. */
export function clipboard (): Plugin {
  return new Plugin({
    props: {
      handlePaste (view, { clipboardData }) {
        const text = clipboardData?.getData('text/plain') ?? ''
        const { $from } = view.state.selection
        if (text === '' || clipboardData?.types.includes('text/html') || $from.parent.type.spec.code === true) return false
        if (/^https?:\/\/\S+$/.test(text.trim()) && mayLink(view.state)) {
          const href = safeAddress(text)
          return href !== undefined && setLink(href)(view.state, view.dispatch)
        }
        if (!isMarkdown(text)) return false
        void pasteMarkdown(view, text)
        return true
      },
      handleClick (view, _position, { target, ctrlKey, metaKey, button }) {
        const href = target instanceof Element ? safeAddress(target.closest('a')?.getAttribute('href')) : undefined
        if (href === undefined || button !== 0 || (view.editable && !ctrlKey && !metaKey)) return false
        window.open(href, '_blank', 'noopener,noreferrer')
        return true
      }
    }
  })
}

/** Headings, lists, quotes, fences, tables, links and bold text. */
const signs = /^#{1,6} \S|^\s*([-*+]|\d+[.)]) \S|^> |^```|^\|.+\|\s*$|\[[^\]]+\]\([^)\s]+\)|\*\*\S.*?\S?\*\*/m

export function isMarkdown (text: string): boolean {
  return signs.test(text)
}

/** What reads Markdown is loaded when it is needed. */
async function pasteMarkdown (view: EditorView, text: string): Promise<void> {
  const { parseMarkdown } = await import('./markdown.ts')
  if (view.isDestroyed) return
  view.dispatch(view.state.tr.replaceSelection(parseMarkdown(text).slice(0)).scrollIntoView())
}
