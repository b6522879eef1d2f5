package app

import (
	"context"

	"taxops/internal/kernel/module"
	"taxops/internal/ops/fleet"
)

// opsModules are the rooms that keep systems running.
func (a *App) opsModules() []module.Module {
	fleetTables := fleet.Migrations()
	return []module.Module{
		{
			Name: "fleet", Title: [2]string{"资产", "Assets"}, Migrations: &fleetTables,
			Events: fleet.Types(), States: fleet.Machines(), Permissions: fleet.Permissions(),
			Routes: a.fleet.Routes, Services: a.fleet.Services(),
		},
	}
}

// worstStates hands the fleet what the inspection knows of its assets.
func (a *App) worstStates(ctx context.Context, assetIDs []string) (map[string]string, error) {
	return nil, nil
}
