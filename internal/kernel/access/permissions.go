package access

// Permissions of this package.
const (
	PermissionRead    = "access.account.read"
	PermissionManage  = "access.account.manage"
	PermissionGrant   = "access.role.grant"
	PermissionDeclare = "access.production.declare"
	PermissionErase   = "access.erase"
	PermissionConfirm = "access.account.confirm"
)

// OwnPermissions are what this package lets people do. Who makes accounts (system administrator) and
// who decides on their rights (security administrator) are two people.
func OwnPermissions() []Permission {
	return []Permission{
		{
			Name: PermissionRead, TitleZH: "查看账号", TitleEN: "See accounts",
			Roles: []Role{SystemAdmin, SecurityAdmin, Auditor, Engineer, Coordinator, ProjectManager},
		},
		{
			Name: PermissionManage, TitleZH: "管理账号", TitleEN: "Make, disable and remove accounts",
			Roles: []Role{SystemAdmin},
		},
		{Name: PermissionGrant, TitleZH: "授予角色", TitleEN: "Grant roles", Roles: []Role{SecurityAdmin}},
		{Name: PermissionConfirm, TitleZH: "核实本人", TitleEN: "Confirm that an account is its person's", Roles: []Role{SecurityAdmin}},
		{Name: PermissionDeclare, TitleZH: "宣布投产", TitleEN: "Declare production", Roles: []Role{SecurityAdmin}},
		{Name: PermissionErase, TitleZH: "抹除已移除人员的个人信息", TitleEN: "Erase the personal data of a removed person", Roles: []Role{SecurityAdmin}},
	}
}
