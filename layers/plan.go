package layers

import (
	"context"
	"io/fs"
	"path"
	"slices"
)

// PlanOptions says what to plan. FS is required, usually the FS of an os.Root;
// modes and times of its files are ignored.
type PlanOptions struct {
	FS       fs.FS
	Target   string            // slash path below C: that FS becomes, such as "app"
	Origins  map[string]Origin // by slash path in FS; what is missing is Assets below wwwroot, else App
	Single   bool              // one layer, of origin App
	Clock    Clock             // decides the times of files
	Writable []string          // slash paths below C: of folders that users may modify, made if missing
	Dirs     []string          // slash paths below C: of folders that must exist, in the app layer
	Workers  int               // files read at a time; 0 means one per processor
}

// Plan is the content of the layers of one folder.
type Plan struct {
	Groups   []Group  // in the order of Origins, each sorted by Compare and with all its folders
	Warnings []string // what works, but may not be meant
}

// NewPlan looks at every file of a folder, reading those whose time depends on
// their content, and says which layer each goes to, with which name, time and
// rights. It fails with *NameError, or several joined, where the folder cannot
// become an image.
func NewPlan(ctx context.Context, o PlanOptions) (*Plan, error) {
	if err := checkFolders(o); err != nil {
		return nil, err
	}
	sources, err := walk(ctx, o.FS)
	if err != nil {
		return nil, err
	}
	names := newSpelling(o.Target)
	names.addDir(o.Target)
	for _, s := range sources {
		names.add(path.Join(o.Target, s.rel), s.dir)
	}
	dirs, writable := names.wanted(o.Dirs), names.wanted(o.Writable)
	if err := names.err(); err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(slices.Clone(sources), func(s source) bool { return s.dir })
	if len(files) == 0 {
		return nil, &NameError{Path: ".", Reason: "the folder holds no files", Remedy: "give the folder that dotnet publish wrote"}
	}
	entries, secrets, err := readFiles(ctx, o, files)
	if err != nil {
		return nil, err
	}
	for i, s := range sources {
		empty := i+1 == len(sources) || !Below(sources[i+1].rel, s.rel)
		if s.dir && empty { // the others come with their files
			dirs = append(dirs, path.Join(o.Target, s.rel))
		}
	}
	return &Plan{
		Groups:   group(entries, append(dirs, writable...), writable),
		Warnings: append(longPaths(entries), secrets...),
	}, nil
}

// checkFolders refuses folders that a layer must not hold.
func checkFolders(o PlanOptions) error {
	for _, dir := range append(append([]string{o.Target}, o.Dirs...), o.Writable...) {
		if err := CheckDirName(dir); err != nil {
			return err
		}
		if BaseOwned(dir) {
			return &NameError{Path: dir, Reason: "the folder belongs to the base image", Remedy: `choose a folder of your own, such as C:\app`}
		}
	}
	return nil
}
