package base

import "fmt"

// warn adds what the user should know about a base that was accepted.
func (b *Base) warn(doc document) error {
	if b.OSVersion == "" {
		b.warnf("this base has no os.version, as Microsoft's HostProcess base: images on it run in HostProcess pods only")
	}
	var plain int64
	for i, l := range b.Layers {
		mt, err := l.MediaType()
		if err != nil {
			return fmt.Errorf("read the type of base layer %d: %w", i+1, err)
		}
		if was := doc.image.Layers[i].MediaType; was != mt {
			b.warnf("base layer %d is labelled %s, but its first bytes are those of %s: the latter is used", i+1, was, mt)
		}
		if isPlain(mt) {
			size, err := l.Size()
			if err != nil {
				return fmt.Errorf("read the size of base layer %d: %w", i+1, err)
			}
			plain += size
		}
	}
	if plain > 0 && b.OSVersion != "" {
		b.warnf("layers of this base are not compressed: %.1f MB will travel as they are; a base that was pushed to a registry is smaller", float64(plain)/1e6)
	}
	return nil
}
