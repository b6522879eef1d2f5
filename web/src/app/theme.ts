import { theme as antTheme, type MappingAlgorithm, type ThemeConfig } from 'antd'
import type { MapToken } from 'antd/es/theme/interface'
import type { ThemeName } from '@/shared/lib/prefs'

/** The one palette. styles.css gets the same values as custom properties, see applyTheme. */
const palettes = {
  light: {
    bg: '#F4F6F9',
    panel: '#FFFFFF',
    sunken: '#F7F9FB',
    border: '#E3E8EF',
    control: '#C9D2DE',
    text: '#17212F',
    text2: '#4A5768',
    text3: '#5F6C7E',
    brand: '#1F5FBF',
    'brand-hover': '#184E9F',
    'brand-soft': '#E8F0FB',
    'on-brand': '#FFFFFF',
    critical: '#B42318',
    'critical-soft': '#FDECEA',
    warning: '#B54708',
    'warning-soft': '#FDF1E3',
    neutral: '#4A5768',
    'neutral-soft': '#EEF1F5',
    ok: '#13704A',
    'ok-soft': '#E5F4ED',
    unknown: '#6B45AC',
    'unknown-soft': '#F1ECFA',
    'series-1': '#1F5FBF',
    'series-2': '#0E8A7D',
    'series-3': '#C2570C',
    'series-4': '#7A4FC0',
    'series-5': '#A8284F',
    shadow: '0 6px 24px rgba(16, 28, 45, 0.14)',
    mask: 'rgba(16, 28, 45, 0.4)',
  },
  dark: {
    bg: '#0D131B',
    panel: '#151D28',
    sunken: '#111923',
    border: '#263241',
    control: '#3A4859',
    text: '#E4EAF2',
    text2: '#A9B6C6',
    text3: '#8D9BAD',
    brand: '#6AA5F8',
    'brand-hover': '#8ABAFA',
    'brand-soft': '#16294A',
    'on-brand': '#0B1422',
    critical: '#FF8F85',
    'critical-soft': '#3B1716',
    warning: '#F7B267',
    'warning-soft': '#38240F',
    neutral: '#A9B6C6',
    'neutral-soft': '#222D3A',
    ok: '#5CCB97',
    'ok-soft': '#10301F',
    unknown: '#B9A0F2',
    'unknown-soft': '#271F42',
    'series-1': '#6AA5F8',
    'series-2': '#3FC1B0',
    'series-3': '#F0964B',
    'series-4': '#B293F0',
    'series-5': '#EE7E9B',
    shadow: '0 6px 24px rgba(0, 0, 0, 0.5)',
    mask: 'rgba(4, 8, 13, 0.6)',
  },
} as const

export const fontFamily =
  '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", system-ui, sans-serif'

/** Puts the palette on the document, before the first paint and at each change of theme. */
export function applyTheme(name: ThemeName): void {
  const root = document.documentElement
  root.dataset.theme = name
  root.style.colorScheme = name
  for (const [key, value] of Object.entries(palettes[name])) root.style.setProperty(`--tx-${key}`, value)
}

/** Whether the person asks the system for less motion. */
const still = () => typeof matchMedia === 'function' && matchMedia('(prefers-reduced-motion: reduce)').matches

export function antThemeConfig(name: ThemeName): ThemeConfig {
  const p = palettes[name]
  const exact: Partial<MapToken> = {
    colorPrimary: p.brand,
    colorPrimaryBg: p['brand-soft'],
    colorPrimaryBgHover: p['brand-soft'],
    colorPrimaryHover: p['brand-hover'],
    colorPrimaryActive: p['brand-hover'],
    colorLink: p.brand,
    colorLinkHover: p['brand-hover'],
    colorLinkActive: p['brand-hover'],
    colorInfo: p.brand,
    colorSuccess: p.ok,
    colorWarning: p.warning,
    colorError: p.critical,
    colorErrorText: p.critical,
  }
  // The dark algorithm mutes its seeds; the palette's contrast was computed for the exact values.
  const keepExact: MappingAlgorithm = (_seed, map) => ({ ...map!, ...exact })
  return {
    algorithm: [name === 'dark' ? antTheme.darkAlgorithm : antTheme.defaultAlgorithm, keepExact],
    token: {
      colorPrimary: p.brand,
      colorInfo: p.brand,
      colorLink: p.brand,
      colorLinkHover: p['brand-hover'],
      colorSuccess: p.ok,
      colorWarning: p.warning,
      colorError: p.critical,
      colorBgBase: p.panel,
      colorBgLayout: p.bg,
      colorBgContainer: p.panel,
      colorBgElevated: p.panel,
      colorText: p.text,
      colorTextBase: p.text,
      colorTextSecondary: p.text2,
      colorTextTertiary: p.text3,
      colorTextDescription: p.text3,
      colorTextPlaceholder: p.text3,
      colorTextDisabled: p.text3,
      colorTextLightSolid: p['on-brand'],
      colorBorder: p.control,
      colorBorderSecondary: p.border,
      colorSplit: p.border,
      colorErrorBg: p['critical-soft'],
      colorWarningBg: p['warning-soft'],
      colorSuccessBg: p['ok-soft'],
      colorInfoBg: p['brand-soft'],
      controlItemBgActive: p['brand-soft'],
      controlItemBgHover: p['neutral-soft'],
      fontFamily,
      fontSize: 13,
      lineHeight: 1.55,
      borderRadius: 6,
      borderRadiusLG: 8,
      controlHeight: 32,
      boxShadow: p.shadow,
      boxShadowSecondary: p.shadow,
      motion: !still(),
      motionDurationFast: '0.12s',
      motionDurationMid: '0.14s',
      motionDurationSlow: '0.16s',
      wireframe: false,
    },
    components: {
      Button: { primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none', fontWeight: 500 },
      Table: {
        headerBg: p.sunken,
        headerColor: p.text2,
        headerSplitColor: 'transparent',
        rowHoverBg: p.sunken,
        borderColor: p.border,
        cellPaddingBlock: 8,
        cellPaddingInline: 12,
        cellPaddingBlockSM: 7,
        cellPaddingInlineSM: 12,
        cellFontSizeSM: 13,
      },
      Select: { optionSelectedBg: p['brand-soft'], optionActiveBg: p['neutral-soft'], optionSelectedFontWeight: 500 },
      Modal: { titleFontSize: 15 },
      Form: { itemMarginBottom: 16, verticalLabelPadding: '0 0 4px', labelColor: p.text2 },
      Tooltip: { colorBgSpotlight: name === 'dark' ? '#2C394A' : '#253245', colorTextLightSolid: '#FFFFFF' },
      Tag: { defaultBg: p['neutral-soft'], defaultColor: p.neutral },
      Tabs: { horizontalItemPadding: '10px 2px', horizontalItemGutter: 24, horizontalMargin: '0' },
      Segmented: { itemSelectedColor: p.text },
    },
  }
}
