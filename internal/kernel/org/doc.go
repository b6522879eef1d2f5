// Package org holds where things belong: the tree of tax bureaus (机构层级: 区局 and its 市局) and the
// systems that the contract names.
//
// An area is known by its path key: "/45/" is the regional bureau (区局), "/45/4501/" the bureau of
// Nanning (南宁市局). A path begins with that of its parent and ends in "/", so "below" is a range of
// strings that an index serves; every scoped row of other modules carries area_path and system_id.
//
// Guarantees: paths and system ids never change once used, since rows and grants carry them. The
// tree is reference data: migrations write it and everybody who may read it sees the whole of it.
package org
