package alpha

func serve(r Row) { r.DB.NewInsert() }
