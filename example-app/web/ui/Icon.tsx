const paths: Record<string, string> = {
  back: 'M15 5l-7 7 7 7',
  bold: 'M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z',
  italic: 'M14 5h-3M13 19h-3M14 5l-4 14M18 5h-4M10 19H6',
  strike: 'M4 12h16M16.5 8a4 3.2 0 0 0-4.5-3c-2.5 0-4.5 1.3-4.5 3.3 0 1.6 1.2 2.7 3 3.700M7.5 16a4.5 3.3 0 0 0 4.7 3c2.5 0 4.3-1.3 4.3-3.3',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5',
  heading1: 'M4 6v12M12 6v12M4 12h8M17 10l3-2v10',
  heading2: 'M4 6v12M12 6v12M4 12h8M16.5 10.500a2.2 2.2 0 1 1 3.9 1.500L16.5 18h4.5',
  heading3: 'M4 6v12M12 6v12M4 12h8M16.5 9.500a2 1.8 0 1 1 2 2.500a2.1 2.3 0 1 1-2.300 2.800',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500',
  comment: 'M4 5h16v11h-8l-4.500 4v-4H4z',
  checks: 'M4 5.500l1.500 1.500 2.500-3M4 15.500l1.500 1.500 2.500-3M11 6h9M11 16h9',
  table: 'M4 5h16v14H4zM4 10h16M4 14.500h16M12 5v14',
  image: 'M4 5h16v14H4zM4 16.500l4.500-5 4 4 2.500-2.500 5 4.500M15.500 9.200h.01',
  describe: 'M4 6h16M4 11h16M4 16h6M14 19.500l.5-2.500 5-5 2 2-5 5z',
  rowAfter: 'M4 5h16v6H4zM12 14v6M9 17h6',
  columnAfter: 'M5 4v16h6V4zM14 12h6M17 9v6',
  rowDelete: 'M4 5h16v6H4zM9 17h6',
  columnDelete: 'M5 4v16h6V4zM14 12h6',
  bullets: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  numbers: 'M10 6h10M10 12h10M10 18h10M4 5l1.5-1v5M4 15.500a1.3 1.3 0 1 1 2.3.9L4 19.500h2.6',
  quote: 'M5 7v10M10 8h9M10 12h9M10 16h6',
  codeblock: 'M4 5h16v14H4zM10 9.500L7.5 12l2.5 2.500M14 9.500l2.5 2.5-2.5 2.5',
  undo: 'M8 5L4 9l4 4M4 9h9a6 6 0 0 1 0 12H9',
  redo: 'M16 5l4 4-4 4M20 9h-9a6 6 0 0 0 0 12h4',
  history: 'M4 5v4h4M4.6 9a8.2 8.2 0 1 1-.6 4M12 8v4.500l3 2',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.800a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600z',
  share: 'M16 8.500a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.400zM6 14.700a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.400zM16 20.900a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.400zM8.4 10.700l5.2-3M8.4 13.300l5.2 3',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M4.5 12.500l5 5 10-11',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  key: 'M8 19a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM11.2 11.300L20 2.500M16 6.500l3 3',
  server: 'M4 4h16v7H4zM4 13h16v7H4zM7.5 7.500h.01M7.5 16.500h.01',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4',
  moon: 'M20 14.500A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.500z',
  auto: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 3.500v17',
  export: 'M12 15V4M8 8l4-4 4 4M5 13v7h14v-7',
  up: 'M12 19V5M6 11l6-6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  folder: 'M3.5 6h6l2 2.500h9v10h-17z',
  document: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6'
}

/** Decoration: the words are beside it, or in the label of the button around it. */
export function Icon ({ name, className = '' }: { name: string, className?: string }) {
  return (
    <svg className={`icon ${className}`} viewBox='0 0 24 24' aria-hidden='true' focusable='false'>
      <path d={paths[name]} />
    </svg>
  )
}
