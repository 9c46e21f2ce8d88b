"""How the pages look: in light and dark, from 320 pixels on, text and the edges of controls in WCAG's contrast AA."""

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%23f2c230'/%3E"
    "%3Cpath d='M4 8h8' stroke='%23332700' stroke-width='2' stroke-dasharray='2 1'/%3E%3C/svg%3E"
)  # in the page, so that no browser asks for /favicon.ico

STYLE = """
:root { color-scheme: light dark; --page: #f4f3ef; --card: #fff; --text: #1d1c1a; --quiet: #5c5952; --line: #dcd9d1;
  --edge: #827d73; --accent: #2450b8; --on-accent: #fff; --tint: #eef2fc; --notice: #ffe08a; --on-notice: #332700 }
@media (prefers-color-scheme: dark) {
  :root { --page: #121316; --card: #1b1d21; --text: #ecebe7; --quiet: #aaa79f; --line: #34373d;
    --edge: #868a93; --accent: #9db8ff; --on-accent: #10131a; --tint: #232a3b; --notice: #4b3b08; --on-notice: #ffeebd }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere }
header { padding: .625rem 1.25rem; background: var(--notice); color: var(--on-notice); font-size: .875rem;
  text-align: center; text-wrap: balance }
main { max-width: 42rem; margin: clamp(0rem, 6vw - 1.5rem, 3.5rem) auto; padding: clamp(1.25rem, 5vw, 2.5rem);
  background: var(--card) }
h1 { margin: 0 0 .75rem; font-size: clamp(1.5rem, 1.25rem + 1.2vw, 2rem); line-height: 1.2; letter-spacing: -.015em;
  text-wrap: balance }
h2, legend, [for] { display: block; margin: 0 0 .625rem; padding: 0; font-size: 1rem; font-weight: 650;
  line-height: 1.5 }
p { margin: 0 0 1rem; text-wrap: pretty }
.lead { margin-bottom: 1.75rem; color: var(--quiet) }
.small, small { font-size: .875rem; color: var(--quiet) }
small { display: block }
code { font: .9375em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
.small:last-child { margin: 1.25rem 0 0 }
fieldset, ul, select { min-width: 0; margin: 0 0 1.75rem }
fieldset, ul { padding: 0; border: 0; list-style: none }
.scopes { columns: 2 16rem; column-gap: 1.5rem }
.scopes > * { display: flex; gap: .625rem; margin-bottom: .625rem; break-inside: avoid }
li::before { content: "✓" / ""; flex: none; width: 1.125rem; color: var(--accent); font-weight: 700;
  text-align: center }
.choice { display: flex; gap: .625rem; cursor: pointer }
.choice input { flex: none; width: 1.125rem; height: 1.125rem; margin: .1875rem 0 0; accent-color: var(--accent);
  cursor: inherit }
.accounts > .choice { padding: .75rem .875rem; border: 1px solid var(--line); margin-top: -1px }
.accounts > legend + .choice { border-radius: .5rem .5rem 0 0 }
.accounts > .choice:last-child { border-radius: 0 0 .5rem .5rem }
.accounts > legend + .choice:last-child { border-radius: .5rem }
.accounts > .choice:hover, .accounts > .choice:has(:checked) { background: var(--tint) }
span { min-width: 0 }
select { width: 100%; padding: .625rem .75rem; border: 1px solid var(--edge); border-radius: .5rem;
  background: var(--card); color: inherit; font: inherit; text-overflow: ellipsis }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; padding-top: 1.5rem; border-top: 1px solid var(--line) }
button { flex: 0 1 auto; min-width: 8rem; min-height: 2.75rem; padding: .5rem 1.25rem; border: 1px solid var(--edge);
  border-radius: .5rem; background: transparent; color: inherit; font: inherit; font-weight: 600; cursor: pointer }
button:first-child { border-color: var(--accent); background: var(--accent); color: var(--on-accent) }
button:hover { text-decoration: underline; text-underline-offset: .2em }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
@media (max-width: 30rem) { button { flex: 1 } }
@media (min-width: 48rem) { main { border: 1px solid var(--line); border-radius: .75rem } }
"""
