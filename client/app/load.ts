/**
 * Loads what a session needs; called early, when a person comes near a start button, so that the click finds it there.
 * What cannot be loaded now is asked for again by whoever needs it, and fails there.
 */
export function loadWorkspace(): Promise<unknown> {
  return Promise.allSettled([
    import('../workspace/WorkspacePage.tsx'),
    import('../terminal/TerminalView.tsx'),
    import('../markdown/Markdown.tsx'),
  ])
}
