import { isValidElement, type ReactNode } from 'react'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { CodeBlock, InlineCode, type SendCommand } from './Code.tsx'
import './markdown.css'

interface MarkdownProps {
  readonly text: string
  /** Types a command into the terminal; without it commands can only be copied. */
  readonly onSend?: SendCommand
}

/** A lab's own prose. Raw HTML in it stays text, and its headings start below those of the page. */
export default function Markdown({ text, onSend }: MarkdownProps) {
  return (
    <div className="prose">
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        components={{
          h1: ({ children }) => <h3>{children}</h3>,
          h2: ({ children }) => <h3>{children}</h3>,
          h3: ({ children }) => <h3>{children}</h3>,
          h4: ({ children }) => <h4>{children}</h4>,
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noreferrer">
              {children}
            </a>
          ),
          pre: ({ children }) => {
            const { code, language } = codeOf(children)
            return <CodeBlock code={code} language={language} onSend={onSend} />
          },
          code: ({ children }) => <InlineCode text={plain(children)} onSend={onSend} />,
          table: ({ children }) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            <div className="prose__table" tabIndex={0}>
              <table>{children}</table>
            </div>
          ),
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  )
}

function plain(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node)
  if (Array.isArray(node)) return node.map(plain).join('')
  return ''
}

function codeOf(children: ReactNode): { code: string; language: string | undefined } {
  const child = Array.isArray(children) ? children[0] : children
  if (!isValidElement<{ className?: string; children?: ReactNode }>(child)) return { code: plain(children), language: undefined }
  return { code: plain(child.props.children), language: /language-([\w-]+)/.exec(child.props.className ?? '')?.[1] }
}
