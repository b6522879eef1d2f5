/** What people do in the console, in its Chinese words. */

export const password = 'Ludeng-2026-Yunwei'

/** Opens the set-up link and makes the first account; ends on the home page. */
export async function setUp(page, link, { name = '陈立', login = 'chenli' } = {}) {
  await page.goto(link)
  await page.getByLabel('姓名').fill(name)
  await page.getByLabel('账号', { exact: true }).fill(login)
  await fillNewPassword(page)
  await page.getByRole('button', { name: '创建账号并登录' }).click()
  await homeShown(page)
}

export async function signIn(page, { login = 'chenli' } = {}) {
  await page.goto('/sign-in')
  await page.getByLabel('账号', { exact: true }).fill(login)
  await page.getByLabel('密码', { exact: true }).fill(password)
  await page.getByRole('button', { name: '登录' }).click()
  await homeShown(page)
}

export async function fillNewPassword(page) {
  const fields = page.locator('input[type=password]')
  await fields.nth(0).fill(password)
  await fields.nth(1).fill(password)
}

export const homeShown = (page) => page.getByRole('heading', { name: '今日待办', level: 1 }).waitFor()

/** Picks an option of a drop-down that opens beside the field with this label. */
export async function pick(page, field, option) {
  await field.click()
  const list = page.locator('.ant-select-dropdown:not(.ant-select-dropdown-hidden)')
  await list.locator('.ant-select-item-option', { hasText: option }).first().click()
}

/** Waits until the list or page holds no skeleton and no spinner any more. */
export async function settled(page) {
  await page.waitForFunction(
    () =>
      document.querySelector('#main h1, .state-view, h1') !== null &&
      document.querySelector('.ant-skeleton, .data-table-skeleton, .anticon-spin') === null,
  )
}
