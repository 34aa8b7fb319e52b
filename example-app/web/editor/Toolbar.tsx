import type { EditorState } from 'prosemirror-state'
import type { EditorView } from 'prosemirror-view'
import { Fragment, memo, useRef, useState, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/IconButton.tsx'
import { tools, type Tool } from './commands.ts'
import { texts } from '../words/index.ts'

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)

const names: Record<string, string> = isMac ? { Mod: '⌘', Shift: '⇧', Alt: '⌥' } : { Mod: 'Ctrl', Shift: 'Shift', Alt: 'Alt' }

function shortcut (keys: string): string {
  return keys.split('-').map((key) => names[key] ?? key.toUpperCase()).join(isMac ? '' : '+')
}

/** One stop for the Tab key. The arrow keys move inside, as in every toolbar. */
export const Toolbar = memo(function Toolbar ({ view, state }: { view: EditorView, state: EditorState }) {
  const bar = useRef<HTMLDivElement>(null)
  const [current, setCurrent] = useState(0)
  const groups = tools.map((group) => group.filter(({ isShown }) => isShown?.(state) ?? true)).filter((group) => group.length > 0)
  const all = groups.flat()

  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: all.length - 1 }
    const target = steps[event.key]
    if (target === undefined) return
    event.preventDefault()
    const index = (target + all.length) % all.length
    setCurrent(index)
    bar.current?.querySelectorAll('button')[index]?.focus()
  }

  const button = (tool: Tool) => {
    const index = all.indexOf(tool)
    const on = tool.isOn?.(state)
    return (
      <IconButton
        key={tool.name} icon={tool.icon ?? tool.name} label={texts().editor.tools[tool.name]}
        hint={tool.keys === undefined ? undefined : shortcut(tool.keys)}
        tabIndex={index === current ? 0 : -1}
        aria-pressed={on}
        aria-disabled={!tool.command(state)}
        // The text keeps its focus and selection under a mouse.
        onMouseDown={(event) => event.preventDefault()}
        onFocus={() => setCurrent(index)}
        onClick={() => tool.command(view.state, view.dispatch, view)}
      />
    )
  }

  return (
    <div className='toolbar' role='toolbar' aria-label={texts().editor.formatting} ref={bar} onKeyDown={move}>
      {groups.map((group, index) => (
        <Fragment key={group[0]?.name}>
          {index > 0 && <span className='toolbar-gap' aria-hidden='true' />}
          {group.map(button)}
        </Fragment>
      ))}
    </div>
  )
})
