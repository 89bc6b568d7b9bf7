/** Stands in for LuCI's status page: loads every box that lies in its folder, shows and refreshes it. */
export const STATUS_INDEX = `'use strict';
'require view';
'require poll';
'require dom';
'require fs';

return view.extend({
  handleSaveApply: null,
  handleSave: null,
  handleReset: null,

  load() {
    const folder = '/www' + L.resource('view/status/include');
    return L.resolveDefault(fs.list(folder), []).then((entries) =>
      Promise.all(
        entries
          .map((entry) => entry.name)
          .filter((name) => /\\.js$/.test(name))
          .map((name) => L.require('view.status.include.' + name.slice(0, -3))),
      ),
    );
  },

  render(boxes) {
    const bodies = boxes.map(() => E('div'));
    const refresh = () =>
      Promise.all(
        boxes.map((box, index) =>
          Promise.resolve(box.load ? box.load() : null).then((loaded) => {
            const content = box.render(loaded);
            bodies[index].parentNode.style.display = content == null ? 'none' : '';
            if (content != null) dom.content(bodies[index], content);
          }),
        ),
      );
    const sections = boxes.map((box, index) =>
      E('div', { class: 'cbi-section', style: 'display:none' }, [
        E('div', { class: 'cbi-title' }, [E('h3', {}, [box.title || '-'])]),
        bodies[index],
      ]),
    );
    return refresh().then(() => {
      poll.add(refresh);
      return E('div', {}, [E('h2', {}, [_('Status')]), ...sections]);
    });
  },
});
`;
