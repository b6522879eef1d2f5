package org

import (
	"strings"

	"github.com/uptrace/bun"
)

// Ids of the systems that the contract names. They are fixed, so that other modules and import files
// may name them.
const (
	SystemIdentity = "01900000-0000-7000-8000-000000000001" // 办税人员身份认证平台
	SystemDelivery = "01900000-0000-7000-8000-000000000002" // 发票寄递平台
	SystemSeal     = "01900000-0000-7000-8000-000000000003" // 电子签章系统
	SystemPlatform = "01900000-0000-7000-8000-000000000004" // 运维平台: this program itself
)

// Region is the path of the regional bureau (广西区局).
const Region = "/45/"

// Area is one bureau in the tree.
type Area struct {
	bun.BaseModel `bun:"table:org_area"`
	Path          string `bun:",pk" json:"path" doc:"Path key, ends in a slash" example:"/45/4501/"`
	Code          string `json:"code" doc:"Code of GB/T 2260" example:"450100"`
	NameZH        string `bun:"name_zh" json:"name_zh"`
	NameEN        string `bun:"name_en" json:"name_en"`
	ParentPath    string `json:"parent_path" doc:"Empty for the top"`
	Level         int    `json:"level" doc:"1 for the region, 2 for a city"`
}

// System is one system that is kept running.
type System struct {
	bun.BaseModel `bun:"table:org_system"`
	ID            string `bun:",pk" json:"id"`
	Key           string `json:"key" enum:"identity,delivery,seal,platform"`
	NameZH        string `bun:"name_zh" json:"name_zh"`
	NameEN        string `bun:"name_en" json:"name_en"`
	AreaPath      string `json:"area_path"`
}

// Below reports whether an area is another or lies below it.
func Below(path, ancestor string) bool {
	return ancestor != "" && strings.HasSuffix(ancestor, "/") && strings.HasPrefix(path, ancestor)
}
