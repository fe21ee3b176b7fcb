// The design comes first, so that what a view adds stands after it.
import './design/tokens.css'
import './design/base.css'
import './design/controls.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App.tsx'
import { loadWorkspace } from './app/load.ts'
import { connect } from './connection/wire.ts'

const connection = connect()

createRoot(document.getElementById('page')!).render(
  <StrictMode>
    <App connection={connection} />
  </StrictMode>,
)

// Once the catalogue stands, the idle line fetches what the first session will need.
window.addEventListener('load', () => {
  if ('requestIdleCallback' in window) window.requestIdleCallback(loadWorkspace, { timeout: 1500 })
  else setTimeout(loadWorkspace, 500)
})
