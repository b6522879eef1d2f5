package access

import "taxops/internal/kernel/state"

// States of an account.
const (
	Invited  state.State = "invited"
	Active   state.State = "active"
	Disabled state.State = "disabled"
	Removed  state.State = "removed"
)

// What happens to an account.
const (
	onInvite  state.Event = "invite" // a new link; for an active account it also replaces lost credentials
	onAccept  state.Event = "accept"
	onDisable state.Event = "disable"
	onEnable  state.Event = "enable"
	onRemove  state.Event = "remove"
	onErase   state.Event = "erase"
	onHold    state.Event = "hold"    // accepted or enabled in production; somebody else has to confirm the person
	onConfirm state.Event = "confirm" // by a second administrator
)

// AccountMachine is the life of an account (账号状态).
func AccountMachine() state.Machine {
	return state.Machine{
		Name: "access.account", Initial: Invited, Final: []state.State{Removed},
		Edges: []state.Edge{
			{From: Invited, Event: onInvite, To: Invited, Permission: PermissionManage},
			{From: Invited, Event: onAccept, To: Active},
			{From: Invited, Event: onHold, To: Invited},
			{From: Invited, Event: onConfirm, To: Active, Permission: PermissionConfirm},
			{From: Invited, Event: onRemove, To: Removed, Permission: PermissionManage},
			{From: Active, Event: onInvite, To: Active, Permission: PermissionManage},
			{From: Active, Event: onAccept, To: Active},
			{From: Active, Event: onHold, To: Invited},
			{From: Active, Event: onConfirm, To: Active, Permission: PermissionConfirm},
			{From: Active, Event: onDisable, To: Disabled, Permission: PermissionManage},
			{From: Active, Event: onRemove, To: Removed, Permission: PermissionManage},
			{From: Disabled, Event: onEnable, To: Active, Permission: PermissionManage},
			{From: Disabled, Event: onHold, To: Invited, Permission: PermissionManage},
			{From: Disabled, Event: onRemove, To: Removed, Permission: PermissionManage},
			{From: Removed, Event: onErase, To: Removed, Permission: PermissionErase},
		},
		Titles: map[state.State][2]string{
			Invited: {"待激活", "Invited"}, Active: {"正常", "Active"},
			Disabled: {"已停用", "Disabled"}, Removed: {"已移除", "Removed"},
		},
	}
}

// Machines are the state machines of this package.
func Machines() []state.Machine { return []state.Machine{AccountMachine()} }
