import type { ReactNode } from 'react'

const drawings = {
  search: <path d="M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm3.3-1.2L14 14" />,
  sun: (
    <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13" />
  ),
  moon: <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1Z" />,
  system: <path d="M2 3h12v8H2zM5.5 14h5M8 11v3" />,
  plus: <path d="M8 3v10M3 8h10" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  split: <path d="M2 3h12v10H2zM8 3v10" />,
  more: <path d="M3 8h.01M8 8h.01M13 8h.01" strokeWidth="2.4" />,
  back: <path d="M13 8H3M7 4 3 8l4 4" />,
  forward: <path d="M3 8h10M9 4l4 4-4 4" />,
  panelLeft: <path d="M2 3h12v10H2zM6 3v10" />,
  panelRight: <path d="M2 3h12v10H2zM10 3v10" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  send: <path d="M2 4l3 3-3 3M7 11h3.5M14 8l-3-2.5v5z" />,
  tick: <path d="m3 8.5 3.4 3.4L13 5" strokeWidth="2" />,
  cross: <path d="m4.2 4.2 7.6 7.6M11.8 4.2l-7.6 7.6" strokeWidth="2" />,
  ring: <path d="M8 13.2A5.2 5.2 0 1 0 8 2.8a5.2 5.2 0 0 0 0 10.4Z" strokeDasharray="2.2 2" />,
  question: <path d="M5.6 6A2.5 2.5 0 1 1 8 8.6V10M8 12.6v.1" strokeWidth="1.8" />,
  warning: <path d="M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.1" />,
  down: <path d="m4 6 4 4 4-4" />,
  up: <path d="m4 10 4-4 4 4" />,
  download: <path d="M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10" />,
  command: <path d="M2.5 4h11M2.5 8h7M2.5 12h4.5" />,
  hint: <path d="M6 11.5h4M6.5 14h3M8 2a4.2 4.2 0 0 0-2.3 7.7l.3 1.8h4l.3-1.8A4.2 4.2 0 0 0 8 2Z" />,
  unplugged: <path d="M3 3l10 10M6 2.5v2M10 2.5V6M4.5 5.5v2A3.5 3.5 0 0 0 8 11v3M11.3 8.6c.1-.4.2-.7.2-1.1v-2h-2.4" />,
  clock: <path d="M8 13.7A5.7 5.7 0 1 0 8 2.3a5.7 5.7 0 0 0 0 11.4ZM8 5v3.2l2 1.4" />,
} satisfies Record<string, ReactNode>

export type IconName = keyof typeof drawings

/** Decoration only: whatever it means must also be said in words. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {drawings[name]}
    </svg>
  )
}

export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 28 28" width="24" height="24" aria-hidden="true" focusable="false">
      <path d="M1 11h11M1 19h7.4M15.4 5H27M19 13h8" stroke="currentColor" strokeWidth="2.4" fill="none" opacity=".62" />
      <path d="M7.5 26 20.5 2" stroke="var(--accent-mark)" strokeWidth="3" strokeLinecap="round" />
    </svg>
  )
}
