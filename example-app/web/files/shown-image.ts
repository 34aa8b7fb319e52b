import type { ImageAttributes } from './image-attributes.ts'
import type { Trouble } from './load-image.ts'
import { texts } from '../words/index.ts'

/** Where images come from. */
export interface ImageSource {
  documentId: string
  /** Calls the listener when the connection is back. Gives what ends it. */
  onBack: (listener: () => void) => () => void
}

const svg = 'http://www.w3.org/2000/svg'

/** Milliseconds until it is tried again: the first time, and at most. */
const pause = { first: 1000, longest: 60_000 }

/** An image on the page. Its place has its size before it is there, and its description while it is not. */
export class ShownImage {
  readonly dom = document.createElement('figure')
  /** Takes the place: as wide and as high as the image. */
  readonly #place = document.createElementNS(svg, 'svg')
  readonly #image = document.createElement('img')
  readonly #note = document.createElement('figcaption')
  readonly #source: ImageSource
  readonly #ends: Array<() => void>
  #attributes: ImageAttributes
  #state: 'loading' | 'shown' | Trouble = 'loading'
  #timer: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #isLoading = false
  #isGone = false

  constructor (source: ImageSource, attributes: ImageAttributes) {
    this.#source = source
    this.#attributes = attributes
    this.dom.className = 'image'
    this.#place.setAttribute('aria-hidden', 'true')
    this.#image.draggable = false
    this.#image.decoding = 'async'
    this.#image.addEventListener('error', () => this.#become('broken'))
    window.addEventListener('online', this.#again)
    this.#ends = [source.onBack(this.#again), () => window.removeEventListener('online', this.#again)]
    this.#draw()
    void this.#load()
  }

  /** False if it is another image. */
  update (attributes: ImageAttributes | undefined): boolean {
    if (attributes?.file !== this.#attributes.file || attributes.key !== this.#attributes.key) return false
    this.#attributes = attributes
    this.#draw()
    return true
  }

  destroy (): void {
    this.#isGone = true
    clearTimeout(this.#timer)
    for (const end of this.#ends) end()
    if (this.#image.src !== '') URL.revokeObjectURL(this.#image.src)
  }

  readonly #again = (): void => {
    if (this.#state === 'shown' || this.#state === 'broken') return
    this.#tries = 0
    void this.#load()
  }

  async #load (): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isLoading) return
    this.#isLoading = true
    const loaded = await import('./load-image.ts')
      .then(({ loadImage }) => loadImage(this.#source.documentId, this.#attributes))
      .catch(() => 'unreachable' as const)
    this.#isLoading = false
    if (this.#isGone) return
    if (loaded instanceof Blob) this.#image.src = URL.createObjectURL(loaded)
    else if (loaded !== 'broken') this.#timer = setTimeout(() => { void this.#load() }, Math.min(pause.first * 2 ** this.#tries++, pause.longest))
    this.#become(loaded instanceof Blob ? 'shown' : loaded)
  }

  #become (state: 'shown' | Trouble): void {
    this.#state = state
    this.#draw()
  }

  #draw (): void {
    const { width, height, alt } = this.#attributes
    this.dom.dataset.state = this.#state
    this.#place.setAttribute('width', String(width))
    this.#place.setAttribute('height', String(height))
    this.#place.setAttribute('viewBox', `0 0 ${width} ${height}`)
    this.#image.alt = alt
    this.dom.title = alt
    if (this.#state === 'shown') return this.dom.replaceChildren(this.#place, this.#image)
    this.#note.textContent = `${alt === '' ? texts().images.unnamed : texts().images.named(alt)} · ${texts().images.states[this.#state]}`
    // A small place shows only the beginning of it.
    this.dom.title = this.#note.textContent
    this.dom.replaceChildren(this.#place, this.#note)
  }
}
