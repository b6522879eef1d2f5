import { useEffect, useRef } from 'react'
import { usePrefs } from './prefs'

export type KeyMap = Record<string, (event: KeyboardEvent) => void>

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
}

function overlayOpen(): boolean {
  return document.querySelector('.ant-modal-wrap:not([style*="display: none"]), .ant-drawer-open') !== null
}

/** Names a key press the way key maps write it: "mod+k", "j", "Enter", "?". */
export function keyName(event: KeyboardEvent): string {
  const prefix = event.ctrlKey || event.metaKey ? 'mod+' : event.altKey ? 'alt+' : ''
  return prefix + (event.key.length === 1 ? event.key.toLowerCase() : event.key)
}

/** Lets go of the button or link that was used last, so that Enter is meant for the row the cursor went to. */
export function releaseFocus(): void {
  const held = document.activeElement
  if (held instanceof HTMLElement && /^(BUTTON|A)$/.test(held.tagName)) held.blur()
}

/**
 * Keyboard shortcuts for as long as the component is there. Combinations with Ctrl work everywhere; single keys
 * are silent while somebody types, while a dialog is open, and when they are turned off.
 * "g x" is a sequence: both keys within a second and a half.
 */
export function useKeys(map: KeyMap, enabled = true): void {
  const { singleKeys } = usePrefs()
  const current = useRef(map)
  useEffect(() => {
    current.current = map
  })

  useEffect(() => {
    if (!enabled) return
    let lead = ''
    let leadAt = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return
      const name = keyName(event)
      if (name.startsWith('mod+') || name.startsWith('alt+')) {
        const action = current.current[name]
        if (action) {
          event.preventDefault()
          action(event)
        }
        return
      }
      if (isTyping(event.target) || overlayOpen()) return
      if (name.length === 1 && !singleKeys) return
      const sequence = lead && event.timeStamp - leadAt < 1500 ? `${lead} ${name}` : ''
      const action = current.current[sequence] ?? current.current[name]
      lead = name
      leadAt = event.timeStamp
      if (!action) return
      if (name === 'Enter' && event.target instanceof HTMLElement && /^(BUTTON|A)$/.test(event.target.tagName)) return
      event.preventDefault()
      lead = ''
      action(event)
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [enabled, singleKeys])
}
