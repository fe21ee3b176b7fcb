import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  Link,
  lazyRouteComponent,
  Outlet,
  type RouterHistory,
  RouterProvider,
} from '@tanstack/react-router'
import { useEffect, useMemo } from 'react'
import { CataloguePage } from '../catalogue/CataloguePage.tsx'
import { type Connection, ConnectionContext, useConnection } from '../connection/wire.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Icon } from '../design/icons.tsx'
import { Notice } from '../design/Notice.tsx'
import { CommandPalette } from '../palette/CommandPalette.tsx'
import { useCommands } from '../palette/commands.ts'
import { t } from '../texts/text.ts'
import { announcement } from './announcements.ts'
import { dismiss, notices, report } from './notices.ts'
import { PlainPage } from './PlainPage.tsx'
import { useStore } from './store.ts'
import { theme, useThemeOnDocument } from './theme.ts'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Broken })
const catalogue = createRoute({ getParentRoute: () => root, path: '/', component: CataloguePage })
const session = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$session',
  component: lazyRouteComponent(() => import('../workspace/WorkspacePage.tsx')),
})
const routeTree = root.addChildren([catalogue, session])

export function createPageRouter(history?: RouterHistory) {
  return createRouter({ routeTree, ...(history === undefined ? {} : { history }) })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}

interface AppProps {
  readonly connection: Connection
  readonly history?: RouterHistory
}

export function App({ connection, history }: AppProps) {
  const router = useMemo(() => createPageRouter(history), [history])
  const queries = useMemo(
    () =>
      new QueryClient({
        // A server on this machine answers without any network, so the browser's word "offline" says nothing.
        defaultOptions: { queries: { networkMode: 'always', retry: false, staleTime: 1000 }, mutations: { networkMode: 'always' } },
      }),
    [],
  )
  return (
    <ConnectionContext value={connection}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ConnectionContext>
  )
}

function Shell() {
  useThemeOnDocument()
  const { wire } = useConnection()
  useEffect(() => {
    const problem = (refusal: { error: { message: string; mend?: string } }) =>
      report(Object.assign(new Error(refusal.error.message), { mend: refusal.error.mend }))
    wire.on('problem', problem)
    return () => void wire.off('problem', problem)
  }, [wire])
  useCommands(
    (['light', 'dark', 'system'] as const).map((name) => ({
      id: `theme.${name}`,
      title: t(`theme.${name}`),
      run: () => theme.set(name),
    })),
    'page',
  )
  return (
    <>
      <a className="skip-link" href="#content">
        {t('skip.toContent')}
      </a>
      <Outlet />
      <Notices />
      <LiveRegion />
      <CommandPalette />
    </>
  )
}

function Notices() {
  const shown = useStore(notices)
  if (shown.length === 0) return null
  return (
    <section className="notices" aria-label={t('notices.label')}>
      {shown.map((notice) => (
        <div key={notice.id} role={notice.tone === 'fail' ? 'alert' : 'status'}>
          <Notice
            tone={notice.tone}
            text={notice.text}
            mend={notice.mend}
            actions={
              <IconButton small label={t('notice.dismiss')} onClick={() => dismiss(notice.id)}>
                <Icon name="close" />
              </IconButton>
            }
          />
        </div>
      ))}
    </section>
  )
}

function LiveRegion() {
  const { text, number } = useStore(announcement)
  return (
    <div className="out-of-sight" aria-live="polite" aria-atomic="true" data-testid="announcements">
      <span key={number}>{text}</span>
    </div>
  )
}

function NotFound() {
  return (
    <PlainPage title={t('notfound.title')}>
      <Link to="/" className="button button--primary">
        {t('finish.back')}
      </Link>
    </PlainPage>
  )
}

function Broken({ error }: ErrorComponentProps) {
  return (
    <PlainPage title={t('error.title')} text={String((error as Error).message)} alert>
      <Button look="primary" onClick={() => window.location.reload()}>
        {t('error.reload')}
      </Button>
    </PlainPage>
  )
}
