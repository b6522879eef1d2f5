import { legacyLogicalPropertiesTransformer, StyleProvider } from '@ant-design/cssinjs'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { App as AntApp, ConfigProvider } from 'antd'
import enUS from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import dayjs from 'dayjs'
import 'dayjs/locale/zh-cn'
import { useEffect, useMemo } from 'react'
import { effectiveTheme, usePrefs } from '@/shared/lib/prefs'
import { setLanguage } from './i18n'
import { queryClient } from './queryClient'
import { router } from './router'
import { SessionGate } from './SessionGate'
import { antThemeConfig, applyTheme } from './theme'

export function App() {
  const prefs = usePrefs()
  const theme = effectiveTheme(prefs)
  const english = prefs.language === 'en'

  useEffect(() => applyTheme(theme), [theme])
  useEffect(() => {
    dayjs.locale(english ? 'en' : 'zh-cn')
    void setLanguage(prefs.language)
  }, [english, prefs.language])

  const themeConfig = useMemo(() => antThemeConfig(theme), [theme])
  return (
    <StyleProvider hashPriority="high" transformers={[legacyLogicalPropertiesTransformer]}>
      <ConfigProvider theme={themeConfig} locale={english ? enUS : zhCN} button={{ autoInsertSpace: false }}>
        <AntApp component={false} message={{ maxCount: 3, top: 60 }}>
          <QueryClientProvider client={queryClient}>
            <RouterProvider router={router} />
            <SessionGate />
          </QueryClientProvider>
        </AntApp>
      </ConfigProvider>
    </StyleProvider>
  )
}
