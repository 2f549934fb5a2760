// axe-core in the page: which accessibility rules does it break?

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class AxeBuilder {
  constructor(page) {
    this.page = page;
  }

  /** The violations, each with its rule and the elements at fault. */
  async analyze() {
    // The page's content security policy forbids inline scripts; evaluation by the debugger is not a script of the page.
    await this.page.evaluate(source);
    return this.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, {
        // A row's name says kind, sender, marks, subject, time and length in this order, so that it can be followed by ear; what is
        // visible of it is all there, but with the marks in between. The rule is experimental and asks for one unbroken run.
        rules: { 'label-content-name-mismatch': { enabled: false } },
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return {
        violations: violations.map(({ id, help, nodes }) => ({ id, help, at: nodes.map((n) => n.target.join(' ')) })),
      };
    });
  }
}
