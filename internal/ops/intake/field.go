package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// Field is a value of an asset that a column may hold.
type Field struct {
	Name             string
	TitleZH, TitleEN string
	// words are names of columns that mean it, tidied as heading does.
	words []string
}

// Names of fields with a meaning of their own; the others are values of the profile by name.
const (
	fieldNumber  = "number"
	fieldKind    = "kind"
	fieldName    = "name"
	fieldParent  = "parent"
	fieldArea    = "area"
	fieldSystem  = "system"
	fieldHost    = "hostname"
	fieldAddress = "address"
	fieldSerial  = "serial"

	// labelPrefix begins the field of a column that becomes a label: "label:room".
	labelPrefix = "label:"
)

// Fields are the values that a column may hold, in the order in which people look for them.
func Fields() []Field {
	return []Field{
		{fieldName, "名称", "Name", words("名称 资产名称 设备名称 服务器名称 实例名称 应用名称 主机名称 name asset assetname devicename")},
		{fieldHost, "主机名", "Host name", words("主机名 计算机名 hostname host fqdn 机器名 系统主机名")},
		{fieldAddress, "地址", "Address", words("ip ip地址 地址 管理ip 管理地址 内网ip 业务ip 主机ip 服务器ip 设备ip ipv4 address ipaddress 访问地址 内网地址")},
		{fieldKind, "类别", "Kind", words("类别 类型 资产类型 资产类别 设备类型 设备类别 kind type assettype 分类")},
		{"os", "操作系统", "Operating system", words("操作系统 系统版本 操作系统版本 os os版本 operatingsystem 操作系统类型 操作系统及版本")},
		{fieldSystem, "所属系统", "System", words("所属系统 业务系统 应用系统 系统名称 系统 信息系统 所属业务系统 业务系统名称 system application 所属应用")},
		{fieldArea, "所属机构", "Bureau", words("所属机构 所属区域 所属机关 单位 所属单位 使用单位 机关 税务局 地市 市局 地区 区域 area bureau 所在单位")},
		{"environment", "环境", "Environment", words("环境 运行环境 部署环境 环境类型 environment env")},
		{"criticality", "重要程度", "Criticality", words("重要程度 重要性 级别 重要级别 资产等级 重要等级 criticality importance 资产级别")},
		{"owner_name", "责任人", "Owner", words("责任人 负责人 管理员 运维人员 联系人 运维负责人 系统管理员 owner 责任人姓名 维护人员 管理人")},
		{"owner_phone", "联系电话", "Phone", words("联系电话 电话 手机 手机号 联系方式 责任人电话 phone mobile tel 联系人电话 手机号码")},
		{"vendor", "厂商", "Vendor", words("厂商 品牌 厂家 制造商 设备厂商 vendor manufacturer brand 生产厂家 生产厂商")},
		{"model", "型号", "Model", words("型号 设备型号 规格型号 model 品牌型号 规格")},
		{fieldSerial, "序列号", "Serial number", words("序列号 sn 设备序列号 s/n serial serialnumber 出厂编号 sn号 产品序列号")},
		{"location", "位置", "Location", words("位置 机房 机房位置 存放地点 所在机房 安装位置 机柜 机柜位置 location room 物理位置 所在位置 存放位置")},
		{"warranty_until", "维保到期", "Warranty until", words("维保到期 维保截止 质保到期 保修期 过保时间 维保到期日期 维保到期时间 质保期 维保期 warranty 维保截止日期 过保日期 保修截止")},
		{fieldParent, "所在主机", "Lies on", words("所在主机 所属主机 宿主机 部署主机 安装主机 所属服务器 部署服务器 parent 所在服务器")},
		{"reach", "接入方式", "How it is reached", words("接入方式 纳管方式 接入 reach")},
		{fieldNumber, "资产编号", "Asset number", words("资产编号 编号 assetnumber number 平台编号")},
	}
}

func words(s string) []string { return strings.Fields(s) }

func knownField(name string) bool {
	return slices.ContainsFunc(Fields(), func(f Field) bool { return f.Name == name })
}

var labelName = regexp.MustCompile(`^label:[a-z][a-z0-9_.-]{0,39}$`)

// noise is what people write around the name of a column without meaning more by it.
var noise = regexp.MustCompile(`[\s*＊:：·._\-—/\\]+|[（(【\[][^）)】\]]*[）)】\]]`)

// heading tidies the name of a column for comparison: "IP 地址（必填）*" is "ip地址".
func heading(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if bare := noise.ReplaceAllString(s, ""); bare != "" {
		return bare
	}
	return s
}

// fieldOf proposes what a column is by its name, and how sure that is: 2 by the very word, 1 by a part of
// it, 0 when it is not known.
func fieldOf(name string) (field string, sure int) {
	h := heading(name)
	if h == "" {
		return "", 0
	}
	for _, f := range Fields() {
		if slices.Contains(f.words, h) {
			return f.Name, 2
		}
	}
	longest := 0
	for _, f := range Fields() {
		for _, w := range f.words {
			if n := len([]rune(w)); n >= 3 && n > longest && strings.Contains(h, w) {
				field, longest = f.Name, n
			}
		}
	}
	if field == "" {
		return "", 0
	}
	return field, 1
}

// propose says for each column what it may be: each value once, the surest column first.
func propose(header []string) []string {
	out := make([]string, len(header))
	taken := map[string]bool{}
	for _, want := range []int{2, 1} {
		for i, h := range header {
			f, sure := fieldOf(h)
			if out[i] == "" && sure == want && !taken[f] {
				out[i], taken[f] = f, true
			}
		}
	}
	return out
}

// fingerprint names a form by its columns, whatever stands in its rows.
func fingerprint(header []string) string {
	h := sha256.New()
	for _, name := range header {
		h.Write([]byte(heading(name) + "\x00")) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// checkMapping refuses a mapping that does not fit a header.
func checkMapping(mapping, header []string) (column int, says string) {
	if len(mapping) != len(header) {
		return 0, "one entry for each column"
	}
	seen := map[string]bool{}
	for i, f := range mapping {
		switch {
		case f == "":
			continue
		case !knownField(f) && !labelName.MatchString(f):
			return i, "no such value of an asset"
		case seen[f]:
			return i, "another column is this value already"
		}
		seen[f] = true
	}
	if !seen[fieldName] && !seen[fieldHost] && !seen[fieldAddress] {
		return 0, "one column must be the name, the host name or the address"
	}
	return -1, ""
}
