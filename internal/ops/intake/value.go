package intake

import (
	"regexp"
	"slices"
	"strings"

	"taxops/internal/ops/intake/sheet"
)

// Place is an area or a system as lists name it.
type Place struct {
	ID    string // path of an area, id of a system
	Names []string
}

// spelt lists how people write the words of the register, tidied by heading.
func spelt(field string) map[string]string {
	switch field {
	case fieldKind:
		return dictionary("host 主机 服务器 物理机 虚拟机 虚拟主机 物理服务器 小型机 云主机 pc服务器 终端 存储 host server vm",
			"component 组件 数据库 中间件 应用 实例 软件 服务 应用服务器 消息队列 缓存 component database middleware",
			"network 网络设备 交换机 路由器 防火墙 负载均衡 安全设备 网关 入侵防御 无线控制器 network switch router firewall")
	case "environment":
		return dictionary("production 生产 生产环境 正式 正式环境 prod production 现网", "disaster_recovery 灾备 容灾 备份环境 灾备环境 同城 异地 dr",
			"staging 预生产 准生产 预发布 预生产环境 staging uat", "test 测试 测试环境 test 联调", "development 开发 开发环境 dev development")
	case "criticality":
		return dictionary("core 核心 高 a 一级 关键 极高 非常重要 核心系统 core high 1", "important 重要 中 b 二级 important medium 2",
			"general 一般 低 c 三级 普通 general low 3")
	case "reach":
		return dictionary("direct 直连 网络直连 direct 数据库直连", "ssh ssh ssh登录", "none 不接入 仅登记 无 none 不纳管")
	}
	return nil
}

func dictionary(lines ...string) map[string]string {
	out := map[string]string{}
	for _, l := range lines {
		word := strings.Fields(l)
		for _, w := range word {
			out[w] = word[0]
		}
	}
	return out
}

var several = regexp.MustCompile(`\s*[,，;；、/|]\s*|\s+`)

// nothing reports a cell that says there is nothing.
func nothing(s string) bool {
	return slices.Contains([]string{"", "-", "--", "—", "/", "无", "n/a", "na", "null", "暂无", "none"}, strings.ToLower(s))
}

// read turns a cell into a value of the register. extra holds further values that the cell names, for
// labels; code is "" when the value can be stored as far as its form goes.
func (p *preview) read(field, cell string) (value, extra, code, says string) {
	switch field {
	case fieldKind, "environment", "criticality", "reach":
		if v := spelt(field)[heading(cell)]; v != "" {
			return v, "", "", ""
		}
		// 生产（双活） and the like: the longest word that it begins with.
		best := ""
		for w, v := range spelt(field) {
			if len(w) >= len("生产") && strings.HasPrefix(heading(cell), w) && len(w) > len(best) {
				best, value = w, v
			}
		}
		if value == "" {
			return "", "", "unknown_word", "this word is not known here"
		}
		return value, "", "", ""
	case "warranty_until":
		day, ok := sheet.Day(cell)
		if !ok {
			return "", "", "not_a_day", "a day such as 2027-03-31"
		}
		return day, "", "", ""
	case fieldAddress:
		parts := several.Split(cell, -1)
		return parts[0], strings.Join(parts[1:], " "), "", ""
	case "owner_phone":
		return strings.NewReplacer("，", ",", "；", ";", "、", ",", "（", "(", "）", ")", "－", "-", "—", "-").Replace(cell), "", "", ""
	case fieldArea:
		return found(p.areas, cell, "unknown_area", "no bureau of this name")
	case fieldSystem:
		return found(p.systems, cell, "unknown_system", "no system of this name")
	}
	return cell, "", "", ""
}

// found looks a place up by its names: as written, or the only one whose name begins so or is part of it.
func found(places []Place, cell, code, says string) (string, string, string, string) {
	h := heading(cell)
	var near []string
	for _, p := range places {
		if p.ID == cell {
			return p.ID, "", "", ""
		}
		for _, n := range p.Names {
			name := heading(n)
			if name == h {
				return p.ID, "", "", ""
			}
			if len([]rune(h)) >= 2 && (strings.Contains(name, h) || len([]rune(name)) >= 3 && strings.Contains(h, name)) && !slices.Contains(near, p.ID) {
				near = append(near, p.ID)
			}
		}
	}
	if len(near) == 1 {
		return near[0], "", "", ""
	}
	return "", "", code, says
}
