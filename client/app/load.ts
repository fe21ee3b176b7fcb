/** Loads what a session needs; called early, when a person comes near a start button, so that the click finds it there. */
export function loadWorkspace() {
  void import('../workspace/WorkspacePage.tsx')
  void import('../terminal/TerminalView.tsx')
  void import('../markdown/Markdown.tsx')
}
