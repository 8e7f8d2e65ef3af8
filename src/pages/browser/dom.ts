/** Returns an element of the page by its id. */
export function byId<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element ${id}`)
  return found as E
}

/** Makes the buttons with `data-copies` copy the text of the element with that id. */
export function enableCopying(announce: (message: string) => void): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copies]')) {
    button.addEventListener('click', () => {
      const source = byId<HTMLTextAreaElement>(button.dataset.copies ?? '')
      const text = source.value || source.textContent || ''
      navigator.clipboard.writeText(text).then(
        () => announce('Copied.'),
        () => {
          getSelection()?.selectAllChildren(source)
          if ('select' in source) source.select()
          announce('The browser does not allow copying: the text is selected.')
        },
      )
    })
  }
}
