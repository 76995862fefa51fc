// Tables that scroll sideways by themselves where the page is narrow.
import { html, type Markup, type Part } from "./markup.ts"

export interface Row {
  readonly name: string
  /** `main` is what the page is about, `aside` a reference beside it. */
  readonly emphasis?: "main" | "aside" | undefined
  readonly cells: ReadonlyArray<Part>
}

/**
 * `head` names the columns after the first one. A column group is a name and how many columns it spans. `texts`: cells
 * hold sentences, not figures.
 */
export const table = ({
  caption,
  groups,
  head,
  id,
  rows,
  texts = false
}: {
  readonly id: string
  readonly texts?: boolean | undefined
  readonly caption: Part
  readonly head: ReadonlyArray<Part>
  readonly groups?: ReadonlyArray<readonly [name: string, span: number]> | undefined
  readonly rows: ReadonlyArray<Row>
}): Markup =>
  html`<div class="scroll" role="region" aria-labelledby="${id}" tabindex="0"><table class="${texts ? "texts" : ""}">
<caption id="${id}"><div>${caption}</div></caption>
<thead>${
    groups === undefined
      ? undefined
      : html`<tr class="groups"><td></td>${
        groups.map(([name, span]) =>
          name === ""
            ? html`<td colspan="${span}"></td>`
            : html`<th scope="colgroup" colspan="${span}"><span>${name}</span></th>`
        )
      }</tr>`
  }
<tr><td></td>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${
    rows.map(
      ({ cells, emphasis, name }) =>
        html`<tr class="${emphasis ?? ""}"><th scope="row">${name}</th>${
          cells.map((cell) => html`<td>${cell}</td>`)
        }</tr>
`
    )
  }</tbody>
</table></div>`
